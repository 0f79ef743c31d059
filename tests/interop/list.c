/* Lets c-client list names: list REFERENCE PATTERN. Tells attributes as a number, a blank, the name. Only what c-client
   exports is used; nothing of its headers is needed for that. */
#include <stdio.h>

extern char mboxdriver[], mixdriver[], mxdriver[], mbxdriver[], tenexdriver[], mtxdriver[], mhdriver[], mmdfdriver[],
    unixdriver[], newsdriver[], philedriver[], dummydriver[];
void mail_link(void *);
void mail_list(void *, char *, char *);
char *myusername_full(unsigned long *);

void mm_searched(void *stream, unsigned long number) {}
void mm_exists(void *stream, unsigned long number) {}
void mm_expunged(void *stream, unsigned long number) {}
void mm_flags(void *stream, unsigned long number) {}
void mm_notify(void *stream, char *text, long kind) {}
void mm_list(void *stream, int delimiter, char *name, long attributes) { printf("%ld %s\n", attributes, name); }
void mm_lsub(void *stream, int delimiter, char *name, long attributes) {}
void mm_status(void *stream, char *mailbox, void *status) {}
void mm_log(char *text, long kind) { fprintf(stderr, "%s\n", text); }
void mm_dlog(char *text) {}
void mm_login(void *mailbox, char *user, char *password, long trial) {}
void mm_critical(void *stream) {}
void mm_nocritical(void *stream) {}
long mm_diskerror(void *stream, long code, long serious) { return 1; }
void mm_fatal(char *text) { fprintf(stderr, "%s\n", text); }

int main(int count, char **words) {
  void *all[] = {mboxdriver, mixdriver,  mxdriver,   mbxdriver,  tenexdriver, mtxdriver,
                 mhdriver,   mmdfdriver, unixdriver, newsdriver, philedriver, dummydriver};
  myusername_full(0);
  for (int at = 0; at < sizeof all / sizeof *all; at++) mail_link(all[at]);
  if (count == 3) mail_list(0, words[1], words[2]);
  return count != 3;
}
