"""How a system learns: its recipe, the training loop, losses, what batches are drawn from, export, evaluation."""
