"""From a cell crop to the probability of each cell class: feature MLP, CNN and their ensemble."""
