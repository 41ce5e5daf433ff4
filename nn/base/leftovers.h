// leftovers.h — files and folders that are to go when the program is ended in the middle of what makes them.
//
// Thread-safety: safe.
#ifndef NN_LEFTOVERS_H
#define NN_LEFTOVERS_H

#ifdef __cplusplus
extern "C" {
#endif

// Keep a path (of a file, or of a folder that is to be empty then). -1 when it is too long or too many are kept: then
// it would be left behind.
int  nn_leftover_add(const char *path);
void nn_leftover_drop(int place);       // it is no longer to go; -1 is fine
// Take all of them away. For a handler of signals: async-signal-safe.
void nn_leftovers_remove(void);

#ifdef __cplusplus
}
#endif
#endif
