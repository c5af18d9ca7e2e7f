/* SPDX-License-Identifier: GPL-3.0-or-later */

/*
 * A disk that writes down, call by call, what the core does to it.
 *
 * The linker brings the core's system calls here (--wrap, see meson.build), and a VFS in front of
 * SQLite's own brings the catalog's. All are carried out, except that a sync only takes a little
 * time; while recording, each is also appended to a tape from which power-state.c makes what a
 * power cut may leave. Inodes are the disk's own: the lowest free number, given out again as soon
 * as the file is deleted, and the one that a state of the tape had is given to its copy.
 *
 * Any thread may make the calls; all functions here are for the main thread, and the tape is read
 * when nothing records.
 */

#pragma once

#include <gio/gio.h>
#include <sqlite3.h>

G_BEGIN_DECLS

typedef enum
{
  POWER_WRITE,       /* of a file: bytes at an offset */
  POWER_RESIZE,      /* of a file: its size is the offset */
  POWER_SYNC,        /* of a file */
  POWER_SYNC_FAILED, /* so too, with EIO */
  POWER_CREATE,      /* a name in the folder */
  POWER_LINK,        /* a second name of the same file */
  POWER_RENAME,
  POWER_UNLINK,
  POWER_FOLDER_SYNC,
  POWER_LOG_WRITE, /* of the catalog's write-ahead log */
  POWER_LOG_SYNC,
} PowerOpKind;

typedef struct
{
  PowerOpKind kind;
  guint file;  /* its number on this tape */
  guint since; /* of a sync: how many calls had returned when it began */
  gint64 offset;
  GBytes *bytes;
  char *name;
  char *new_name;
} PowerOp;

typedef struct
{
  GPtrArray *ops;       /* of PowerOp, in the order in which the calls returned */
  GArray *inodes;       /* of guint64: of each file by its number */
  GByteArray *database; /* the catalog without its log; as it was when the tape began */
  GByteArray *log;      /* so too; both count as synced */
} PowerTape;

/* What goes wrong while a tape is recorded. */
typedef struct
{
  guint failing_sync;     /* the number, from 1, of the sync of a file that fails; 0 for none */
  gboolean plain_renames; /* the filesystem knows no RENAME_NOREPLACE */
} PowerFaults;

void power_disk_begin (const char *catalog_path, const PowerFaults *faults);
PowerTape *power_disk_end (void);
void power_tape_free (PowerTape *tape);

gint64 power_disk_get_written (void);

void power_disk_forget_files (void);
void power_disk_set_mount (guint64 shift);
void power_disk_adopt (const char *path, guint64 inode);
void power_disk_note (PowerOpKind kind, guint since, gint64 offset, gconstpointer bytes, gsize n);
guint power_disk_get_position (gboolean *recording);

void power_catalog_register (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (PowerTape, power_tape_free)

G_END_DECLS
