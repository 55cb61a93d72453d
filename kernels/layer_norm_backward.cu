// layer_norm_backward: the gradients of layer_norm, whose statistics are computed anew
// Kernels, their arguments and launches are those of row_norm_backward.cuh, centred
// layer_norm_backward overwrites dx; the parts of the gradients of gamma and beta go to a workspace; chunks of rows follow from the shape: deterministic
#include "row_norm_backward.cuh"

#define ENTRY(T, name) ROW_NORM_BACKWARD(T, layer_norm, name, true)
FOR_EACH_FLOAT(ENTRY)
