"""What runs a step: compiled CPU kernels, array expressions for other devices, sums, and threads."""
