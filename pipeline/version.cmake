# Writes version.c when the version or the commit changed: cmake -DSOURCE= -DOUT= -DVERSION= -P version.cmake
find_package(Git QUIET)
set(commit "")
if(GIT_FOUND AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} describe --always --dirty=+ --exclude=*
    OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
set(text "// version.c — the version and commit this was built from; generated.
extern const char *const pipeline_version, *const pipeline_commit;
const char *const pipeline_version = \"${VERSION}\";
const char *const pipeline_commit = \"${commit}\";
")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT text STREQUAL "${old}")
  file(WRITE ${OUT} "${text}")
endif()
