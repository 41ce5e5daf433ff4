// tokenizer_impl.h — what a tokenizer is made of, for the files of nn/text.
#ifndef NN_TOKENIZER_IMPL_H
#define NN_TOKENIZER_IMPL_H

#include "nn/text/added.h"
#include "nn/text/bpe.h"
#include "nn/text/decoding.h"
#include "nn/text/normalizer.h"
#include "nn/text/steps.h"
#include "nn/text/template.h"
#include "nn/text/tokenizer.h"

struct nn_tokenizer {
    nn_bpe        bpe;
    nn_normalizer normalizer;
    nn_added_list added;
    nn_steps      steps;
    nn_template   around;           
    nn_decoding   decoding;
    bool          is_byte_level;        // words are bytes, and the vocabulary has characters for them
    uint32_t      bos, eos;
};

#endif
