#version 460
#extension GL_GOOGLE_include_directive : require
// The inputs before a next token of dynamic_conv.
#include "shaders/conv/dynamic_conv.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(dynamic_conv_args);
#include "shaders/conv/inc/dynamic_conv_walk.glsl"
#define LAST_BINDING 4
#include "shaders/conv/inc/window_last.glsl"
