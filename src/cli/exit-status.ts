/** What stands below the help of the program; core/errors.ts holds which error ends with which status. */
export const exitStatusHelp = `
Example:
  amoskys --home /var/lib/amoskys up

Exit status:
  0 ok   1 unexpected   2 usage   3 partial result   10 config   11 log corrupt or locked
  12 identity or trust   13 unreachable   14 missing privilege or kernel facility   130 interrupted
  141 the reader of the output has gone`;
