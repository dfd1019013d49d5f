"""Convolution kernels for CPU that leave memory layouts to oneDNN, built at first use with the system's compiler."""
