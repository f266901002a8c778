"""Turns a trained run into a checkpoint with its figures and card, and draws what the system does."""
