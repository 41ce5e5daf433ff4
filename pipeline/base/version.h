// version.h — the version and commit that the library was built from.
#ifndef PIPELINE_VERSION_H
#define PIPELINE_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

extern const char *const pipeline_version;      // "0.1.0"
extern const char *const pipeline_commit;       // with a + when files were changed; "" = not known

#ifdef __cplusplus
}
#endif
#endif
