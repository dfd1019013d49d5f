"""Training: checkpoints, callbacks, schedules, optimizers and the plain train step."""
