// study_teachers.h — pare study teachers: does a sparser teacher narrow the gap to its student?
#ifndef CLI_STUDY_TEACHERS_H
#define CLI_STUDY_TEACHERS_H

#include "apps/cli/study/study_setup.h"

vkc_status study_teachers_run(study_work *w, char **dir, uint32_t n);

#endif
