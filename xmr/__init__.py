"""xmr: find photos from a drawing, a caption, a photo, or any mix of them. Nothing here needs torch."""
