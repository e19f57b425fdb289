/*
 * portcullis.cfg: the kernel's command line as a text file. Words separated by blanks or line ends; "#" begins a
 * comment, up to the end of its line. UTF-8, or UTF-16 with its mark, as some editors save.
 */
#ifndef PORTCULLIS_BOOT_EFI_CONFIG_H
#define PORTCULLIS_BOOT_EFI_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes the words of text into line (room bytes, terminated). Returns how many characters did not fit. */
uint32_t config_words(const uint8_t *text, size_t bytes, char *line, size_t room);
/*
 * Takes the word "name=value" out of line, where single blanks separate words; value goes to out, cut to its room.
 * False: there is no such word.
 */
bool config_take(char *line, const char *name, char *out, size_t room);

#endif
