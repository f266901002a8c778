"""Everything that makes a checkpoint, with torch. It imports xmr, never the other way round."""
