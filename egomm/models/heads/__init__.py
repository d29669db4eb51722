"""One task each: loss in training, answer in prediction."""
