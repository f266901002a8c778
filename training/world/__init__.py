"""The rendered world: photos, drawings and captions of things that never were, so that they may be shipped."""
