"""From PyTorch to MindSpore: construction, groups, schedules and the training step, a file for each construct."""
