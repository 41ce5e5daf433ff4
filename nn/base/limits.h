// limits.h — the largest models, labels and pictures that files may ask for: what lies above is refused in words.
#ifndef NN_LIMITS_H
#define NN_LIMITS_H

#define NN_MAX_DEPTH 128            // blocks
#define NN_MAX_DIM 8192             // channels of the residual stream
#define NN_MAX_HIDDEN 65536         // channels inside an MLP
#define NN_MAX_TOKENS 65536         // patches of an image, tokens of a sequence
#define NN_MAX_CLASSES 65536
#define NN_MAX_VOCAB 262144         // rows of a token embedding
#define NN_MAX_REGISTERS 64
#define NN_MAX_LABEL 256            // bytes of a label

#endif
