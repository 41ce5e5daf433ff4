// students.h — models and mixers as commands are given them: lists with commas, names.
#ifndef CLI_STUDENTS_H
#define CLI_STUDENTS_H

#include "apps/cli/distill/distill_report.h"
#include "apps/cli/core/model_hash.h"

// One after the other of a list with commas, cut to `size` bytes; false at its end. *at NULL = no list.
bool       list_next(const char **at, char *text, size_t size);

// The mixer of a student where all layers that have attention in the teacher have the same, else the folder's name.
void       student_name(const nn_model *teacher, const nn_model *student, const char *dir, char out[REPORT_TEXT]);

#endif
