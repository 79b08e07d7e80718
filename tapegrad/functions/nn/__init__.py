"""What `torch.nn.functional` offers: `activations.nn` puts a function there. Layers (`tapegrad.nn`) call these."""
