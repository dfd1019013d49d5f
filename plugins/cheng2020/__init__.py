"""cheng2020-anchor: a learned picture codec under hyperprior and context model."""
