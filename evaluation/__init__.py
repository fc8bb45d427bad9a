"""Results held against truth: detector, classifiers, segmentation, differentials."""
