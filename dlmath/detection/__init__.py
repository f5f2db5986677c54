"""Detection: the mathematics of boxes in R-CNN, Fast R-CNN and Faster R-CNN."""
