// gated_scan.glsl — shared by the kernels of gated_scan: where a stream's columns of a row begin.
//   The state runs over x y^T and is read with z: x = k, y = step v, z = q; reversed x = q, y = do, z = k.
#define COLS(X, ROW)  ((ROW) * a.X.ld + chunk_col(t, a.X))
#define X_AT(ROW)     (REVERSED == 1u ? COLS(q, ROW) : COLS(k, ROW))
#define Z_AT(ROW)     (REVERSED == 1u ? COLS(k, ROW) : COLS(q, ROW))
#define O_AT(ROW)     (((ROW) * a.heads * a.dirs + t.s) * a.dv)
#define Y_AT(ROW)     (REVERSED == 1u ? O_AT(ROW) : COLS(v, ROW))
#define G_AT(ROW, I)  (COLS(g, ROW) + (CHANNELS == 1u ? (I) : 0u))
#define STEP_AT(ROW)  COLS(step, ROW)
// Parts of gradients (R, streams, WIDTH).
#define PART_AT(ROW, WIDTH) (((ROW) * a.streams + t.local) * (WIDTH))
#define PARTS(WIDTH)  (a.rows * a.streams * (WIDTH))
