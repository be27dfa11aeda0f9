/* Stands between the program and the C library (LD_PRELOAD): counts what is written to files below a folder, fails the
   n-th write and those behind it, and notes each write, flush and change of a name, so that a power cut can be made up
   afterwards. Nothing is done before kx_arm or kx_note is called. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define REAL(kind, name, ...) \
    static kind (*real)(__VA_ARGS__); \
    if (!real) real = (kind (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static char folder[1024];
static long fail_from, fail_for, seen;
static int notes = -1;
static int readonly;

static int below(const char *path) {
    return folder[0] && path && strncmp(path, folder, strlen(folder)) == 0 && !strstr(path, ".lock") && !strstr(path, "-shm");
}

static void path_of(int fd, char *out, size_t room) {
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, out, room - 1);
    out[size < 0 ? 0 : size] = 0;
}

static int is_ours(int fd) {
    char path[2048];
    struct stat what;
    if (!folder[0] || fd < 0 || fd == notes) return 0;
    if (fstat(fd, &what) || !S_ISREG(what.st_mode)) return 0;
    path_of(fd, path, sizeof path);
    return below(path);
}

/* kind, length of path, offset, length of data; then path and data */
static void note(char kind, const char *path, int64_t offset, const void *data, uint32_t size) {
    if (notes < 0) return;
    char head[17];
    uint32_t named = (uint32_t)strlen(path);
    head[0] = kind;
    memcpy(head + 1, &named, 4);
    memcpy(head + 5, &offset, 8);
    memcpy(head + 13, &size, 4);
    struct iovec parts[3] = {{head, sizeof head}, {(void *)path, named}, {(void *)data, size}};
    if (writev(notes, parts, 3) < 0) _exit(99); /* in one piece: both ends write into the same notes */
}

static void note_fd(char kind, int fd, int64_t offset, const void *data, uint32_t size) {
    char path[2048];
    if (notes < 0) return;
    path_of(fd, path, sizeof path);
    note(kind, path, offset, data, size);
}

static int refused(void) {
    if (!fail_from) return 0;
    long number = __sync_add_and_fetch(&seen, 1);
    if (number >= fail_from && number < fail_from + fail_for) { errno = ENOSPC; return 1; }
    return 0;
}

void kx_arm(const char *where, long from, long times) {
    snprintf(folder, sizeof folder, "%s", where);
    seen = 0; fail_for = times; fail_from = from;
}
void kx_readonly(const char *where) { snprintf(folder, sizeof folder, "%s", where); readonly = 1; }
long kx_seen(void) { return seen; }
void kx_note(const char *where, const char *log) {
    notes = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    snprintf(folder, sizeof folder, "%s", where);
}
void kx_mark(const char *what) { note('m', what, 0, "", 0); }

ssize_t write(int fd, const void *data, size_t size) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (!is_ours(fd)) return real(fd, data, size);
    if (refused()) return -1;
    int64_t at = fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    ssize_t done = real(fd, data, size);
    if (done > 0) note_fd('w', fd, at, data, (uint32_t)done);
    return done;
}

#define PWRITE(name, off) \
ssize_t name(int fd, const void *data, size_t size, off at) { \
    REAL(ssize_t, name, int, const void *, size_t, off); \
    if (!is_ours(fd)) return real(fd, data, size, at); \
    if (refused()) return -1; \
    ssize_t done = real(fd, data, size, at); \
    if (done > 0) note_fd('w', fd, (int64_t)at, data, (uint32_t)done); \
    return done; \
}
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, off) \
int name(int fd, off size) { \
    REAL(int, name, int, off); \
    if (is_ours(fd) && refused()) return -1; \
    int done = real(fd, size); \
    if (!done && is_ours(fd)) note_fd('t', fd, (int64_t)size, "", 0); \
    return done; \
}
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

#define FLUSH(name) \
int name(int fd) { \
    REAL(int, name, int); \
    struct stat what; \
    if (is_ours(fd) && refused()) return -1; \
    int done = real(fd); \
    if (!done && folder[0] && !fstat(fd, &what)) { \
        char path[2048]; \
        path_of(fd, path, sizeof path); \
        if (strncmp(path, folder, strlen(folder)) == 0) note(S_ISDIR(what.st_mode) ? 'd' : 's', path, 0, "", 0); \
    } \
    return done; \
}
FLUSH(fsync)
FLUSH(fdatasync)

#define OPEN(name) \
int name(const char *path, int flags, ...) { \
    REAL(int, name, const char *, int, ...); \
    va_list more; \
    va_start(more, flags); \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0; \
    va_end(more); \
    if (readonly && below(path) && (flags & O_ACCMODE) != O_RDONLY) { errno = EACCES; return -1; } \
    return real(path, flags, mode); \
}
OPEN(open)
OPEN(open64)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (below(to) && refused()) return -1;
    int done = real(from, to);
    if (!done && below(to)) note('r', from, 0, to, (uint32_t)strlen(to));
    return done;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    int done = real(path);
    if (!done && below(path)) note('u', path, 0, "", 0);
    return done;
}
