"""From MindSpore to PyTorch, and in place to calando: a file for each construct."""
