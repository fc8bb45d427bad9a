"""The AdaBoost window scanner: channels, soft cascade, suppression, counting frame, training."""
