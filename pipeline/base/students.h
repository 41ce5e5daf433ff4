// students.h — mixers and students by name, as runs and reports know them.
#ifndef PIPELINE_STUDENTS_H
#define PIPELINE_STUDENTS_H

#include "nn/models/model.h"

#ifdef __cplusplus
extern "C" {
#endif

#define PIPELINE_LAYER_TEXT (sizeof(nn_layer_config) + 2)

// "linear:features=hedgehog"
void pipeline_layer_text(const nn_layer_config *layer, char out[PIPELINE_LAYER_TEXT]);
// The mixer of a student where all layers that have attention in the teacher have the same, else the folder's name.
void pipeline_student_name(const nn_model *teacher, const nn_model *student, const char *dir,
                           char out[PIPELINE_LAYER_TEXT]);

#ifdef __cplusplus
}
#endif
#endif
