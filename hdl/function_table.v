// SPDX-License-Identifier: Apache-2.0
// A function of one fixed-point variable as a read-only memory: activation, its slope, or the activity of a state.
//
// Entry i belongs to the value whose bit pattern is i. Latency: one cycle.

`default_nettype none

module function_table #(
  parameter InWidth = 10,
  parameter OutWidth = 8,
  parameter File = "none"          // one entry a line, hexadecimal
) (
  input  wire                clk_i,
  input  wire [InWidth-1:0]  value_i,
  output reg  [OutWidth-1:0] result_o
);

  reg [OutWidth-1:0] entries [0:(1<<InWidth)-1];
  // Some front ends elaborate a module with its defaults first, when no file is there to be read.
  /* verilator lint_off WIDTH */
  generate
    if (File != "none") begin : gen_contents
      initial $readmemh(File, entries);
    end
  endgenerate
  /* verilator lint_on WIDTH */

  always @(posedge clk_i) result_o <= entries[value_i];

endmodule

`default_nettype wire
