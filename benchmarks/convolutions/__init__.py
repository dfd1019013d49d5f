"""Convolutions that `kernels` measures, and each framework's way to compute them and their gradients."""
