// study_groups.h — pare study groups: does sparser attention cost less to replace?
#ifndef CLI_STUDY_GROUPS_H
#define CLI_STUDY_GROUPS_H

#include "apps/cli/study/study_setup.h"

vkc_status study_groups_run(study_work *w, const char *teacher_dir);

#endif
