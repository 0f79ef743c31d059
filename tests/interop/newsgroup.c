/* Lets c-client mark articles of a newsgroup: newsgroup GROUP [SEQUENCE | -SEQUENCE]...  Tells the UIDs of those that are
   marked then. Only what c-client exports is used; nothing of its headers is needed for that. */
#include <stdio.h>

extern char newsdriver[];
void mail_link(void *);
void *mail_open(void *, char *, long);
void mail_flag(void *, char *, char *, long);
void *mail_close_full(void *, long);
void *mail_criteria(char *);
long mail_search_full(void *, char *, void *, long);
char *myusername_full(unsigned long *);

enum { SET = 4, BY_UID = 1 };

void mm_searched(void *stream, unsigned long number) { printf("%lu\n", number); }
void mm_exists(void *stream, unsigned long number) {}
void mm_expunged(void *stream, unsigned long number) {}
void mm_flags(void *stream, unsigned long number) {}
void mm_notify(void *stream, char *text, long kind) {}
void mm_list(void *stream, int delimiter, char *name, long attributes) {}
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
  char deleted[] = "DELETED";
  myusername_full(0);
  mail_link(newsdriver);
  void *stream = count > 1 ? mail_open(0, words[1], 0) : 0;
  if (!stream) return 1;
  for (int at = 2; at < count; at++) {
    int clears = words[at][0] == '-';
    mail_flag(stream, words[at] + clears, "\\DELETED", clears ? 0 : SET);
  }
  mail_search_full(stream, 0, mail_criteria(deleted), BY_UID);
  mail_close_full(stream, 0);
  return 0;
}
