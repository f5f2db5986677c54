"""Model files of other programs: read into the same networks that the command line writes."""
