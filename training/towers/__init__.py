"""The networks: one tower per modality, which maps the arrays of xmr.preprocess to unit vectors in the shared space."""
