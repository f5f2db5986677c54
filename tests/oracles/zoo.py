"""Published counts of the architectures in the zoo, each with its source."""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    name: str
    params: int
    macs: int | None
    source: str
    connections: int | None = None


TORCHVISION = "torchvision weights meta (num_params, _ops)"
TRANSFORMERS = "Hugging Face transformers, num_parameters() of the published weights"
EXACT = "MATHEMATICS: torchvision model, MACs of convolutions, dense layers and attention"

# Parameters and MACs known to the last digit
EXACTLY = [
    Published("lecun1989", 9_760, None, "LeCun et al. 1989, section 4", 64_660),
    Published("lenet5", 60_000, None, "LeCun et al. 1998, section II.B", 340_908),
    Published("lenet5_keras", 61_706, 416_520, "model.summary() of the tutorials; MACs by hand"),
    Published("mlp", 669_706, 668_672, "Keras example mnist_mlp.py, model.summary()"),
    Published("mlp_300_100", 266_610, 266_200, "LeCun et al. 1998: 28x28-300-100-10"),
    Published("catdog", 3_937_409, None, "model.summary() of the seed's layers with Keras's defaults"),
    Published("alexnet_2012", 60_965_224, 724_406_816, "Krizhevsky et al. 2012; Caffe's bvlc_alexnet"),
    Published("alexnet_ungrouped", 62_378_344, 1_135_256_096, "tutorials' count without towers; MACs by hand"),
    Published("alexnet", 61_100_840, 714_188_480, EXACT),
    Published("vgg11", 132_863_336, 7_609_090_048, EXACT),
    Published("vgg13", 133_047_848, 11_308_466_176, EXACT),
    Published("vgg16", 138_357_544, 15_470_264_320, EXACT),
    Published("vgg19", 143_667_240, 19_632_062_464, EXACT),
    Published("resnet18", 11_689_512, 1_814_073_344, EXACT),
    Published("resnet34", 21_797_672, 3_663_761_408, EXACT),
    Published("resnet50", 25_557_032, 4_089_184_256, EXACT),
    Published("resnet101", 44_549_160, 7_801_405_440, EXACT),
    Published("resnet152", 60_192_808, 11_513_626_624, EXACT),
    Published("resnet50_v1", 25_557_032, 3_857_973_248, "He et al. 2015, Table 1: 3.8e9"),
    Published("googlenet", 6_624_904, 1_498_376_192, EXACT),
    Published("inception_v3", 27_161_264, 5_713_216_096, EXACT),
    Published("densenet121", 7_978_856, 2_834_161_664, EXACT),
    Published("mobilenet_v2", 3_504_872, 300_774_272, EXACT),
    Published("squeezenet1_1", 1_235_496, 349_151_936, EXACT),
    Published("resnext50_32x4d", 25_028_904, 4_230_479_872, EXACT),
    Published("vit_b_16", 86_567_656, 17_563_828_224, EXACT),
    Published("mobilenet", 4_231_976, 568_740_352, "Keras applications, trainable parameters; paper: 4.2 M, 569 M"),
    Published("resnet20", 269_722, None, "He et al. 2015, Table 6: 0.27 M; exact by Y. Idelbayev's reproduction"),
    Published("resnet32", 464_154, None, "Table 6: 0.46 M; as above"),
    Published("resnet44", 658_586, None, "Table 6: 0.66 M; as above"),
    Published("resnet56", 853_018, None, "Table 6: 0.85 M; as above"),
    Published("resnet110", 1_727_962, None, "Table 6: 1.7 M; as above"),
    Published("fasterrcnn_resnet50_fpn", 41_755_286, None, TORCHVISION),
    Published("fasterrcnn_resnet50_fpn:pretrained=no", 41_808_406, None, "torchvision, batch normalisation trained"),
    Published("faster_rcnn", 137_078_239, None, "VGG-16 of py-faster-rcnn on PASCAL VOC, in PyTorch ports"),
    Published("ssd300", 26_285_486, None, "Liu et al. 2015 on PASCAL VOC, in PyTorch ports"),
    Published("ssd300_vgg16", 35_641_826, None, TORCHVISION),
    Published("rcnn", 60_965_224 - 1000 * 4097 + 21 * 4097, 2000 * (724_406_816 - 979 * 4096), "AlexNet, 21 outputs"),
    Published("fast_rcnn", 138_357_544 - 1000 * 4097 + 5 * 21 * 4097, None, "VGG-16, 21 scores and 84 box numbers"),
    # torchvision 0.28, the rest of its classifiers: num_params of the weights' metadata; operations by
    # torch.utils.flop_counter on the model, halved, which round to the metadata's _ops
    Published("convnext_base", 88_591_464, 15_354_729_472, TORCHVISION),
    Published("convnext_large", 197_767_336, 34_361_433_600, TORCHVISION),
    Published("convnext_small", 50_223_688, 8_683_712_256, TORCHVISION),
    Published("convnext_tiny", 28_589_128, 4_455_531_264, TORCHVISION),
    Published("efficientnet_v2_l", 118_515_272, 56_079_699_008, TORCHVISION),
    Published("efficientnet_v2_m", 54_139_356, 24_582_460_384, TORCHVISION),
    Published("efficientnet_v2_s", 21_458_488, 8_365_617_152, TORCHVISION),
    Published("maxvit_t", 30_919_624, 5_558_046_720, TORCHVISION),
    Published("mnasnet0_5", 2_218_512, 104_455_968, TORCHVISION),
    Published("mnasnet0_75", 3_170_208, 215_493_104, TORCHVISION),
    Published("mnasnet1_0", 4_383_312, 314_415_872, TORCHVISION),
    Published("mnasnet1_3", 6_282_256, 526_362_432, TORCHVISION),
    Published("mobilenet_v3_large", 5_483_032, 216_589_760, TORCHVISION),
    Published("mobilenet_v3_small", 2_542_856, 56_510_400, TORCHVISION),
    Published("regnet_x_16gf", 54_278_536, 15_940_755_456, TORCHVISION),
    Published("regnet_x_1_6gf", 9_190_136, 1_602_849_792, TORCHVISION),
    Published("regnet_x_32gf", 107_811_560, 31_735_929_792, TORCHVISION),
    Published("regnet_x_3_2gf", 15_296_552, 3_176_621_952, TORCHVISION),
    Published("regnet_x_400mf", 5_495_976, 413_812_608, TORCHVISION),
    Published("regnet_x_800mf", 7_259_656, 799_699_712, TORCHVISION),
    Published("regnet_x_8gf", 39_572_648, 7_995_132_416, TORCHVISION),
    Published("regnet_y_16gf", 83_590_140, 15_911_510_272, TORCHVISION),
    Published("regnet_y_1_6gf", 11_202_430, 1_612_076_160, TORCHVISION),
    Published("regnet_y_32gf", 145_046_770, 32_279_552_832, TORCHVISION),
    Published("regnet_y_3_2gf", 19_436_338, 3_176_482_752, TORCHVISION),
    Published("regnet_y_400mf", 4_344_144, 401_842_848, TORCHVISION),
    Published("regnet_y_800mf", 6_432_512, 833_856_256, TORCHVISION),
    Published("regnet_y_8gf", 39_381_472, 8_473_070_592, TORCHVISION),
    Published("resnext101_64x4d", 83_455_272, 15_460_270_080, TORCHVISION),
    Published("shufflenet_v2_x0_5", 1_366_792, 40_476_448, TORCHVISION),
    Published("shufflenet_v2_x1_0", 2_278_604, 144_907_992, TORCHVISION),
    Published("shufflenet_v2_x1_5", 3_503_624, 295_759_392, TORCHVISION),
    Published("shufflenet_v2_x2_0", 7_393_996, 583_253_464, TORCHVISION),
    Published("swin_b", 87_768_224, 15_430_946_816, TORCHVISION),
    Published("swin_s", 49_606_258, 8_740_875_264, TORCHVISION),
    Published("swin_t", 28_288_354, 4_490_566_656, TORCHVISION),
    Published("swin_v2_b", 87_930_848, 20_325_134_336, TORCHVISION),
    Published("swin_v2_s", 49_737_442, 11_545_857_024, TORCHVISION),
    Published("swin_v2_t", 28_351_570, 5_939_690_496, TORCHVISION),
    Published("mask_rcnn_resnet50_fpn", 44_401_393, None, TORCHVISION),
    Published("retinanet_resnet50_fpn", 34_014_999, None, TORCHVISION),
    Published("gpt2", 124_439_808, None, TRANSFORMERS),
    Published("gpt2-medium", 354_823_168, None, TRANSFORMERS),
    Published("gpt2-large", 774_030_080, None, TRANSFORMERS),
    Published("gpt2-xl", 1_557_611_200, None, TRANSFORMERS),
    Published("bert-base", 109_482_240, None, TRANSFORMERS),
    Published("bert-large", 335_141_888, None, TRANSFORMERS),
    Published("llama-2-7b", 6_738_415_616, None, TRANSFORMERS),
    Published("llama-2-13b", 13_015_864_320, None, TRANSFORMERS),
    Published("llama-2-70b", 68_976_648_192, None, TRANSFORMERS),
    Published(
        "unet",
        31_030_658,
        None,
        "Ronneberger et al. 2015, Figure 1, 2 classes; model.summary() of implementations with 2 x 2 up-convolutions",
    ),
]

# Parameters to the last digit, MACs as torchvision's meta rounds them: 10^9, three digits after the point
ROUNDED = {
    "regnet_y_128gf": (644_812_894, 127.518),
    "vgg11_bn": (132_868_840, 7.609),
    "vgg13_bn": (133_053_736, 11.308),
    "vgg16_bn": (138_365_992, 15.470),
    "vgg19_bn": (143_678_248, 19.632),
    "densenet161": (28_681_000, 7.728),
    "densenet169": (14_149_480, 3.36),
    "densenet201": (20_013_928, 4.291),
    "squeezenet1_0": (1_248_424, 0.819),
    "resnext101_32x8d": (88_791_336, 16.414),
    "wide_resnet50_2": (68_883_240, 11.398),
    "wide_resnet101_2": (126_886_696, 22.753),
    "efficientnet_b0": (5_288_548, 0.386),
    "efficientnet_b1": (7_794_184, 0.687),
    "efficientnet_b2": (9_109_994, 1.088),
    "efficientnet_b3": (12_233_232, 1.827),
    "efficientnet_b4": (19_341_616, 4.394),
    "efficientnet_b5": (30_389_784, 10.266),
    "efficientnet_b6": (43_040_704, 19.068),
    "efficientnet_b7": (66_347_960, 37.746),
    "vit_b_32": (88_224_232, 4.409),
    "vit_l_16": (304_326_632, 61.555),
    "vit_l_32": (306_535_400, 15.378),
    "ssd300_vgg16": (35_641_826, 34.858),
    "fasterrcnn_resnet50_fpn": (41_755_286, 134.38),
}

# Parameters of vit_h_14 at 224 x 224: Dosovitskiy et al. 2020, Table 1: 632 M
VIT_H_14 = 632_045_800

# Howard et al. 2017, Tables 6 and 7: width or resolution -> millions of MACs, millions of parameters
MOBILENET = {
    "mobilenet": (569, 4.2),
    "mobilenet:width=0.75": (325, 2.6),
    "mobilenet:width=0.5": (149, 1.3),
    "mobilenet:width=0.25": (41, 0.5),
    "mobilenet:resolution=192": (418, 4.2),
    "mobilenet:resolution=160": (290, 4.2),
    "mobilenet:resolution=128": (186, 4.2),
}

# Receptive field, stride and padding of a layer's output; Araujo, Norris, Sim 2019 unless said otherwise
FIELDS = [
    ("vgg16", "pool5", 212, 32, 90),
    ("resnet50_v1", None, 483, 32, None),
    ("inception_v3", None, 1311, 32, 618),
    ("mobilenet", None, 315, 32, 126),
    ("faster_rcnn", "rpn_conv", 228, 16, None),  # Ren et al. 2015
]

# LeNet-5, layer by layer: parameters and connections (LeCun et al. 1998, section II.B)
LENET5 = {
    "C1": (156, 122_304),
    "S2": (12, 5_880),
    "C3": (1_516, 151_600),
    "S4": (32, 2_000),
    "C5": (48_120, 48_120),
    "F6": (10_164, 10_164),
    "output": (0, 840),
}

# Units' connections and parameters (LeCun et al. 1989)
LECUN1989 = {"H1": (1_068, 19_968), "H2": (2_592, 38_592), "dense1": (5_790, 5_790), "dense2": (310, 310)}

WITH_AUXILIARY = {"googlenet": (6_624_904, 13_004_888), "inception_v3": (23_834_568, 27_161_264)}
"""Parameters without and with the auxiliary heads (torchvision)."""
