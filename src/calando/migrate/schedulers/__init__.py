"""PyTorch's schedulers in a script: what each does, which optimizer it drives, and every place that knows of it."""
