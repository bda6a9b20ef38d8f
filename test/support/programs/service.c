// A tiny HTTP service whose behaviour is baked in: every variant is another file with another digest.
#include <netinet/in.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef VERSION
#define VERSION "v1"
#endif
#ifndef EXIT_AFTER_MS
#define EXIT_AFTER_MS -1
#endif
#ifndef START_MS
#define START_MS 0
#endif
#ifndef STATUS
#define STATUS 200
#endif
#ifndef PORT_SHIFT
#define PORT_SHIFT 0
#endif

extern char **environ;

static void fall(int signal_number) {
  (void)signal_number;
  fprintf(stderr, "fatal: out of cheese\n");
  _exit(3);
}

/* Tells systemd that it is up, where systemd waits for that (Type=notify). */
static void notify(const char *state) {
  const char *path = getenv("NOTIFY_SOCKET");
  if (!path) return;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  int at = socket(AF_UNIX, SOCK_DGRAM, 0), size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  sendto(at, state, strlen(state), 0, (void *)&address, size);
  close(at);
}

static int drain_ms;
static void drain(int signal_number) {
  (void)signal_number;
  usleep(drain_ms * 1000);
  _exit(0);
}

static int serve(int port) {
  int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
  if (getenv("LISTEN_FDS")) listener = 3;
  else if (bind(listener, (void *)&address, sizeof address) || listen(listener, 64)) {
    perror("bind");
    return 98;
  }
  printf("%s listens on %d as pid %d\n", VERSION, port, getpid());
  fflush(stdout);
  notify("READY=1");
  for (;;) {
    char request[4096], body[16384], head[128], cwd[1024] = "", in[1024] = "", environment[8192] = "";
    int client = accept(listener, 0, 0);
    if (client < 0) continue;
#ifdef HANG
    sleep(3600);
#endif
    if (read(client, request, sizeof request) < 0) continue;
    getcwd(cwd, sizeof cwd);
    if (readlink("/proc/self/fd/0", in, sizeof in - 1) < 0) in[0] = 0;
    for (char **entry = environ; *entry; entry++)
      if (!strncmp(*entry, "APP_", 4) && strlen(environment) + strlen(*entry) < sizeof environment - 8) {
        if (*environment) strcat(environment, ",");
        strcat(strcat(strcat(environment, "\""), *entry), "\"");
      }
    int size = snprintf(body, sizeof body, "{\"status\":\"ok\",\"version\":\"%s\",\"pid\":%d,\"uid\":%d,\"cwd\":\"%s\",\"stdin\":\"%s\",\"env\":[%s]}\n", VERSION, getpid(), getuid(), cwd, in, environment);
    int length = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", STATUS, size);
    if (write(client, head, length) < 0 || write(client, body, size) < 0) continue;
    close(client);
  }
}

int main(int count, char **words) {
  int port = getenv("APP_PORT") ? atoi(getenv("APP_PORT")) : 5858;
  for (int at = 1; at < count - 1; at++)
    if (!strcmp(words[at], "--port")) port = atoi(words[at + 1]);
    else if (!strcmp(words[at], "--name")) prctl(PR_SET_NAME, words[at + 1]);
    else if (!strcmp(words[at], "--drain-ms")) {
      drain_ms = atoi(words[at + 1]);
      signal(SIGTERM, drain);
    } else if (!strcmp(words[at], "--job")) {
      /* Does its work and ends, like a unit of a timer. */
      FILE *file = fopen(words[at + 1], "a");
      fprintf(file, "%s\n", VERSION);
      usleep(START_MS * 1000);
      return EXIT_AFTER_MS == 0 ? 3 : 0;
    }
  /* One connection, on standard input and output, like a unit of a socket with Accept=yes. */
  if (count > 1 && !strcmp(words[1], "--connection")) {
    printf("%s\n", VERSION);
    fflush(stdout);
    char line[16];
    return read(0, line, sizeof line) < 0;
  }
#ifdef TITLE
  /* As redis and nginx do, and daemons. */
  int area = words[count - 1] + strlen(words[count - 1]) - words[0];
  memset(words[0], 0, area);
  strncpy(words[0], "app: serving", area);
  if (chdir("/")) return 1;
#endif
#ifdef IGNORE_TERM
  signal(SIGTERM, SIG_IGN);
#endif
#ifdef FORK_AWAY
  if (fork()) return 0;
  setsid();
#endif
  if (EXIT_AFTER_MS == 0) fall(0);
  if (EXIT_AFTER_MS > 0) {
    signal(SIGALRM, fall);
    ualarm(EXIT_AFTER_MS * 1000, 0);
  }
  usleep(START_MS * 1000);
#ifdef NEVER_LISTEN
  for (;;) pause();
#endif
  return serve(port + PORT_SHIFT);
}
