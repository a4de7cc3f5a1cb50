"""Reports over events and profiles: counts, segmentation, funnels, retention."""
