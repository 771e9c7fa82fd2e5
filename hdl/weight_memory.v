// SPDX-License-Identifier: Apache-2.0
// The weights: one write port, one read port, whole words of P lanes.
//
// In pages of 2048 words, the depth at which a block RAM of the ECP5 is still nine bits wide: no multiplexer stands
// right behind the blocks, whose outputs are late in the cycle. Each page has an output register, which holds zero
// unless its page was read, so the pages are joined by an OR.
//
// Width     bits of a word
// Depth     words
// Latency   read data two cycles after the address, behind the OR: to be registered by the reader. A word written in a
//           cycle is not read in that cycle (see word_memory.v)

`default_nettype none

module weight_memory #(
  parameter Width = 64,
  parameter Depth = 16,
  parameter AddressWidth = 4
) (
  input  wire                    clk_i,
  input  wire                    write_i,
  input  wire [AddressWidth-1:0] write_address_i,
  input  wire [Width-1:0]        write_data_i,
  input  wire [AddressWidth-1:0] read_address_i,
  output wire [Width-1:0]        read_data_o
);

  localparam PageBits = (AddressWidth < 11) ? AddressWidth : 11;
  localparam PageDepth = 1 << PageBits;
  localparam Pages = (Depth + PageDepth - 1) / PageDepth;

  wire [31:0] write_page = {{(32-AddressWidth){1'b0}}, write_address_i} >> PageBits;
  wire [31:0] read_page0 = {{(32-AddressWidth){1'b0}}, read_address_i} >> PageBits;
  reg [31:0] read_page1_q;
  always @(posedge clk_i) read_page1_q <= read_page0;

  // The OR is a chain of named wires: of a loop over slices of one vector that it does not unroll, Verilator 5.006 makes
  // code that reads beyond the vector.
  genvar g;
  generate
    for (g = 0; g < Pages; g = g + 1) begin : gen_page
      localparam Words = (g + 1 < Pages) ? PageDepth : Depth - g * PageDepth;
      localparam Bits = (Words < 2) ? 1 : $clog2(Words);
      reg [Width-1:0] words_q [0:Words-1];
      reg [Width-1:0] read1_q, read2_q;
      always @(posedge clk_i) begin
        if (write_i && write_page == g) words_q[write_address_i[Bits-1:0]] <= write_data_i;
        if (read_page0 == g) read1_q <= words_q[read_address_i[Bits-1:0]];
        read2_q <= (read_page1_q == g) ? read1_q : {Width{1'b0}};
      end
      wire [Width-1:0] joined;
      if (g == 0) assign joined = read2_q;
      else assign joined = gen_page[g-1].joined | read2_q;
    end
  endgenerate
  assign read_data_o = gen_page[Pages-1].joined;

endmodule

`default_nettype wire
