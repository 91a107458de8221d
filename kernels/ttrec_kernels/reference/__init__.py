"""The specification of every op in plain PyTorch: any device, any number of cores, gradients by autograd."""
