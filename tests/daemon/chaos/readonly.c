/* Makes the files below a folder behave as on a disk that the system turned read-only under those who have
 * them open, as ext4 does after an error: no process can bring that about with mounts of its own, since a
 * remount is refused while files are open for writing. Preloaded; the folder is in $CHAOS_FOLDER, and the
 * disk is read-only as long as the file $CHAOS_SWITCH is there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static int is_below(const char *path) {
  const char *folder = getenv("CHAOS_FOLDER"), *turned = getenv("CHAOS_SWITCH");
  int saved = errno, is = folder && turned && strncmp(path, folder, strlen(folder)) == 0 && access(turned, F_OK) == 0;
  errno = saved;
  return is;
}

static int is_closed(int file) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return is_below(path);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define REFUSE do { errno = EROFS; return -1; } while (0)
#define ON_FILE(name, parameters, arguments) \
  ssize_t name parameters { if (is_closed(file)) REFUSE; return REAL(name) arguments; }

ON_FILE(write, (int file, const void *from, size_t many), (file, from, many))
ON_FILE(pwrite, (int file, const void *from, size_t many, off_t at), (file, from, many, at))
ON_FILE(pwrite64, (int file, const void *from, size_t many, off64_t at), (file, from, many, at))

int ftruncate(int file, off_t size) { if (is_closed(file)) REFUSE; return REAL(ftruncate)(file, size); }
int ftruncate64(int file, off64_t size) { if (is_closed(file)) REFUSE; return REAL(ftruncate64)(file, size); }
int unlink(const char *path) { if (is_below(path)) REFUSE; return REAL(unlink)(path); }

#define OPEN(name) \
  int name(const char *path, int flags, ...) { \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = va_arg(rest, mode_t); \
    va_end(rest); \
    if (((flags & O_ACCMODE) != O_RDONLY || (flags & O_CREAT)) && is_below(path)) REFUSE; \
    return REAL(name)(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
