#version 460
#extension GL_GOOGLE_include_directive : require
// The inputs before a next token of conv1d.
#include "shaders/conv/conv1d.h"
#include "shaders/inc/rows.glsl"
#include "shaders/inc/kernel.glsl"
ROWS(0, Tok);
PUSH_ARGS(conv1d_args);
#include "shaders/conv/inc/conv1d_walk.glsl"
#define LAST_BINDING 5
#include "shaders/conv/inc/window_last.glsl"
