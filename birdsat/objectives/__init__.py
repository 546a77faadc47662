"""Objectives: named tensors in, a scalar out. They know nothing of encoders."""
