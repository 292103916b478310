/* Under a plugin's name: hands the call to the agent, or to the executable `fairlead` beside it. README.md here has the
 * protocol. Linked statically, since loading libraries would take longer than all that is done here. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RUN "/run/fairlead/"
enum { largest = 4 << 20, header = 24, most_fallbacks = 256 << 10, patience_s = 3 };

static char request[header + largest + 2];
static size_t used = header, input = header; /* Where the request ends, and where stdin begins in it. */
static char **arguments, *verb;
static bool has_begun;

/* A caller's pipe may be one that does not wait. Of the agent's socket EAGAIN is the end of our patience. */
static bool is_again(int fd, short events) {
  bool is_to_wait = errno == EAGAIN && (fd < 3 || has_begun);
  if (is_to_wait) poll(&(struct pollfd){.fd = fd, .events = events}, 1, -1);
  return is_to_wait || errno == EINTR;
}

static ssize_t read_some(int fd, char *to, size_t size) {
  for (ssize_t got;;)
    if ((got = read(fd, to, size)) >= 0 || !is_again(fd, POLLIN)) return got;
}

/* How much came before the end or a failure; errno is 0 but after a failure. */
static size_t read_all(int fd, char *to, size_t size) {
  size_t done = 0;
  for (ssize_t got; done < size; done += got)
    if ((got = read_some(fd, to + done, size - done)) <= 0) return errno = got < 0 ? errno : 0, done;
  return errno = 0, done;
}

static bool write_all(int fd, const char *from, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t put = write(fd, from + done, size - done);
    if (put >= 0) done += put;
    else if (!is_again(fd, POLLOUT)) return false;
  }
  return true;
}

/* With the version that the configuration says, where a look finds it. */
static _Noreturn void fail(int code, const char *message) {
  char said[16], *found = memmem(request + input, used - input, "\"cniVersion\"", 12);
  int end = 0;
  request[used] = 0;
  if (found != NULL) sscanf(found + 12, " : \"%15[0-9.]\"%n", said, &end);
  const char *version = end > 0 ? said : "1.1.0";
  dprintf(1, "{\n    \"cniVersion\": \"%s\",\n    \"code\": %d,\n    \"msg\": \"%s\"\n}", version, code, message);
  _exit(1);
}

/* In a line that the agent reads: the caller must not be able to write others. */
static const char *as_word(const char *text) {
  size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-");
  return length > 0 && length <= 40 && text[length] == 0 ? text : "-";
}

static void record(const char *reason) {
  struct stat file;
  int fd = open(RUN "cni.fallbacks", O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_size < most_fallbacks)
    dprintf(fd, "%jd %s %s %s\n", (intmax_t)time(NULL), reason, as_word(verb), as_word(arguments[0]));
  close(fd);
}

static _Noreturn void execute(void) {
  char path[4096 + sizeof "fairlead"] = "/", *name;
  (void)!readlink("/proc/self/exe", path, 4096);
  name = strrchr(path, '/') + 1;
  /* A client of that name would execute itself for ever. */
  if (strcmp(name, "fairlead") != 0) execve((strcpy(name, "fairlead"), path), arguments, environ);
  fail(5, "the executable \\\"fairlead\\\" beside this plugin cannot be started: run \\\"fairlead install\\\" again");
}

/* What was read of stdin, and then what was not, becomes the stdin of the executable. */
static _Noreturn void fall_back(const char *reason) {
  record(reason);
  int fd = memfd_create("stdin", MFD_CLOEXEC);
  bool is_kept = fd >= 0 && write_all(fd, request + input, used - input);
  for (ssize_t got; is_kept && (got = read_some(0, request + header, largest)) > 0;)
    is_kept = write_all(fd, request + header, got);
  if (!is_kept || lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, 0) != 0)
    fail(5, "the configuration could not be kept for the executable \\\"fairlead\\\": is there memory left?");
  execute();
}

/* Before anything is read of stdin. */
static void append(const char *bytes, size_t size) {
  if (size > header + largest - used) record("large"), execute();
  used = (char *)mempcpy(request + used, bytes, size) - request;
}

static void make_request(uint64_t started_us) {
  char cwd[4096], *name = arguments[0];
  /* Not libc's: it would search the tree for a directory that the kernel cannot name. */
  if (syscall(SYS_getcwd, cwd, sizeof cwd) < 1 || cwd[0] != '/') record("differs"), execute();
  append(name, strlen(name));
  append(cwd, strlen(cwd));
  size_t env_at = used;
  for (char **each = environ; *each != NULL; each++) append(*each, strlen(*each) + 1);
  size_t stdin_at = used, got = read_all(0, request + used, header + largest + 1 - used);
  if (errno != 0) execute(); /* It has words for a stdin that cannot be read. */
  input = stdin_at, used += got;
  if (used > header + largest) fall_back("large");
  uint32_t sizes[] = {strlen(name), strlen(cwd), input - env_at, used - input};
  memcpy(mempcpy(request, sizes, sizeof sizes), &started_us, sizeof started_us);
}

static int connect_to_agent(void) {
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = RUN "cni.sock"};
  const struct timeval patience = {.tv_sec = patience_s};
  struct ucred owner;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    if (errno == EAGAIN) fail(11, "the agent has too many calls waiting on " RUN "cni.sock; try again");
    fall_back(errno == EACCES || errno == EPERM ? "refused" : "absent");
  }
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &(socklen_t){sizeof owner}) != 0 || owner.uid != 0)
    fall_back("foreign");
  fcntl(fd, F_SETFL, 0);
  for (int each = 0; each < 2; each++)
    setsockopt(fd, SOL_SOCKET, each == 0 ? SO_RCVTIMEO : SO_SNDTIMEO, &patience, sizeof patience);
  return fd;
}

static void require_hello(int fd) {
  struct stat net, mnt, root;
  if (stat("/proc/self/ns/net", &net) + stat("/proc/self/ns/mnt", &mnt) + stat("/", &root) != 0) fall_back("differs");
  char own[256], heard[256];
  int size = snprintf(own, sizeof own, "fairlead-cni 1 " BUILD_ID " %ju:%ju %ju:%ju %ju:%ju\n", net.st_dev, net.st_ino,
                      mnt.st_dev, mnt.st_ino, root.st_dev, root.st_ino);
  for (ssize_t done = 0, got; done < size; done += got) {
    got = read_some(fd, heard, size - done);
    if (got <= 0) fall_back(got < 0 && errno == EAGAIN ? "silent" : "dropped");
    if (memcmp(heard, own + done, got) != 0) fall_back("differs");
  }
}

/* After the shutdown the agent cannot write any more that it begins; what it wrote before is still there. */
static void require_begin(int fd) {
  char begun;
  if (!write_all(fd, request, used)) fall_back(errno == EAGAIN ? "silent" : "dropped");
  ssize_t got = read_some(fd, &begun, 1);
  bool is_late = got < 0 && errno == EAGAIN;
  if (is_late && shutdown(fd, SHUT_RD) == 0) got = read_some(fd, &begun, 1);
  if (got != 1) fall_back(is_late ? "silent" : "dropped");
  has_begun = true;
}

/* Half an answer is none. A DEL that is done again finds less to do; what half an ADD has left, only DEL removes. */
static _Noreturn void relay(int fd) {
  struct __attribute__((packed)) { char kind; uint32_t status, out, err; } head = {0};
  bool is_known = read_all(fd, (char *)&head, sizeof head) == sizeof head && head.kind == 'R';
  size_t whole = (size_t)head.out + head.err;
  char *text = mmap(NULL, whole + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (!is_known || text == MAP_FAILED || read_all(fd, text, whole) < whole) {
    if (strcmp(verb, "ADD") != 0) fall_back("lost");
    fail(11, "the agent's worker ended while it carried out this ADD; send DEL, then ADD again");
  }
  write_all(2, text + head.out, head.err);
  if (!write_all(1, text, head.out)) _exit(errno == EPIPE ? 141 : 70); /* As the executable does. */
  _exit(head.status);
}

int main(int argc, char **argv) {
  struct timespec started;
  clock_gettime(CLOCK_MONOTONIC, &started);
  signal(SIGPIPE, SIG_IGN);
  /* A caller may have closed some; what is opened next must not become our stdout. */
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) open("/dev/null", O_RDWR);
  arguments = argc > 0 ? argv : (char *[]){"", NULL};
  arguments[0] = basename(arguments[0]);
  verb = getenv("CNI_COMMAND");
  /* If every worker waited for such a call of its own, none would be left to take it. */
  if (verb == NULL || verb[0] == 0 || getenv("FAIRLEAD_FROM_WORKER") != NULL) execute();
  make_request(started.tv_sec * UINT64_C(1000000) + started.tv_nsec / 1000);
  int fd = connect_to_agent();
  require_hello(fd);
  require_begin(fd);
  relay(fd);
}
