"""The ten stages: each joins the rooms below to the pipeline."""
