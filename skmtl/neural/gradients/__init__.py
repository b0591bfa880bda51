"""From a batch to the gradients of the tasks: by autograd, or written out."""
