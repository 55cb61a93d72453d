// rms_norm_backward: the gradients of rms_norm, whose statistic is computed anew
// Kernels, their arguments and launches are those of row_norm_backward.cuh, without a mean
// rms_norm_backward overwrites dx; the parts of the gradient of gamma go to a workspace; chunks of rows follow from the shape: deterministic
#include "row_norm_backward.cuh"

#define ENTRY(T, name) ROW_NORM_BACKWARD(T, rms_norm, name, false)
FOR_EACH_FLOAT(ENTRY)
