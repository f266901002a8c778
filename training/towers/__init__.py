"""The networks: one tower a modality, each from what xmr.preprocess makes to a unit vector of the shared space."""
