// Owns the name of the package that runs ONNX models. It is not installed with the reporter: it has some 290 MB.

export const RUNTIME_PACKAGE = 'onnxruntime-node';
export const RUNTIME_MISSING =
  'onnxruntime-node is not installed; run npm install --global onnxruntime-node (in a clone: npm ci)';
