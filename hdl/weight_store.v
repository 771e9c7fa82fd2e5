// SPDX-License-Identifier: Apache-2.0
// The weights, the sums of a batch, and the host's way to them.
//
// A word is P weights of one column. Where the way back has weights of its own (BackWords), or weights have velocities,
// they lie in a memory of their own, which the host finds behind the forward ones; where contrasts are summed over a
// batch (Batched), the sums lie at the addresses of the weights, and a weight that the host stores has none yet.
//
// The host's words pass through a shift register, lane 0 first. Host and core do not meet: the host comes while the core
// is idle.
//
// Latency: read address in stage 4, words in stage 6; host_fetch_i to host_data_o three cycles.

`default_nettype none

module weight_store #(
  parameter Lanes = 16,
  parameter StoredWidth = 16,
  parameter Words = 325,
  parameter AddressWidth = 9,
  parameter HostWidth = 9,
  parameter BackWords = 0,         // none: one weight serves both ways
  parameter BackWidth = 1,         // address bits of these
  parameter BackBase = 0,          // address of the first forward word that has one for the way back
  parameter Batched = 0,
  parameter BatchWidth = 1         // of a sum
) (
  input  wire                         clk_i,
  input  wire                         rst_ni,
  // Host.
  input  wire                         host_seek_i,     // to the word at the address
  input  wire [HostWidth-1:0]         host_address_i,
  input  wire                         host_shift_i,
  input  wire [StoredWidth-1:0]       host_data_i,
  output wire [StoredWidth-1:0]       host_data_o,
  input  wire                         host_store_i,    // the shift register to memory; next word
  input  wire                         host_fetch_i,    // memory to the shift register; next word
  // Core.
  input  wire [AddressWidth-1:0]      address4_i,
  output wire [Lanes*StoredWidth-1:0] weights6_o,
  output wire [Lanes*StoredWidth-1:0] back6_o,
  output wire [Lanes*BatchWidth-1:0]  sums6_o,
  input  wire                         write10_i,
  input  wire [AddressWidth-1:0]      address10_i,
  input  wire [Lanes*StoredWidth-1:0] write_data10_i,
  /* verilator lint_off UNUSED */
  input  wire                         write_back10_i,
  input  wire [Lanes*StoredWidth-1:0] write_back_data10_i,
  input  wire                         write_sums9_i,
  input  wire [AddressWidth-1:0]      address9_i,
  input  wire [Lanes*BatchWidth-1:0]  write_sums_data9_i
  /* verilator lint_on UNUSED */
);

  reg [Lanes*StoredWidth-1:0] host_word_q;
  reg [HostWidth-1:0] host_address_q;
  reg host_fetch1_q, host_fetch2_q, host_fetch3_q;
  wire host_back;                   // the host's word is one of the way back
  wire host_back3;                  // and the word that it fetches
  wire host_store = host_store_i && !host_back;
  assign host_data_o = host_word_q[StoredWidth-1:0];
  always @(posedge clk_i) begin
    if (!rst_ni) begin
      host_address_q <= {HostWidth{1'b0}};
      host_fetch1_q <= 1'b0;
      host_fetch2_q <= 1'b0;
      host_fetch3_q <= 1'b0;
    end else begin
      host_fetch1_q <= host_fetch_i;
      host_fetch2_q <= host_fetch1_q;
      host_fetch3_q <= host_fetch2_q;
      if (host_seek_i) host_address_q <= host_address_i;
      else if (host_store_i || host_fetch1_q) host_address_q <= host_address_q + 1'b1;
    end
    if (host_fetch3_q) host_word_q <= host_back3 ? back6_o : weights6_o;
    else if (host_shift_i) host_word_q <= {host_data_i, host_word_q[Lanes*StoredWidth-1:StoredWidth]};
  end

  weight_memory #(.Width(Lanes * StoredWidth), .Depth(Words), .AddressWidth(AddressWidth)) u_weights (
    .clk_i(clk_i), .write_i(write10_i || host_store),
    .write_address_i(host_store_i ? host_address_q[AddressWidth-1:0] : address10_i),
    .write_data_i(host_store_i ? host_word_q : write_data10_i),
    .read_address_i(host_fetch1_q ? host_address_q[AddressWidth-1:0] : address4_i), .read_data_o(weights6_o)
  );

  generate
    if (BackWords != 0) begin : gen_back
      reg host_back2_q, host_back3_q;
      /* verilator lint_off UNUSED */
      wire [HostWidth-1:0] host_address = host_address_q - Words[HostWidth-1:0];
      wire [AddressWidth-1:0] address4 = address4_i - BackBase[AddressWidth-1:0];
      wire [AddressWidth-1:0] address10 = address10_i - BackBase[AddressWidth-1:0];
      /* verilator lint_on UNUSED */
      assign host_back = (host_address_q >= Words[HostWidth-1:0]);
      assign host_back3 = host_back3_q;
      always @(posedge clk_i) {host_back2_q, host_back3_q} <= {host_back, host_back2_q};
      weight_memory #(.Width(Lanes * StoredWidth), .Depth(BackWords), .AddressWidth(BackWidth)) u_weights_back (
        .clk_i(clk_i), .write_i(write_back10_i || (host_store_i && host_back)),
        .write_address_i(host_store_i ? host_address[BackWidth-1:0] : address10[BackWidth-1:0]),
        .write_data_i(host_store_i ? host_word_q : write_back_data10_i),
        .read_address_i(host_fetch1_q ? host_address[BackWidth-1:0] : address4[BackWidth-1:0]),
        .read_data_o(back6_o)
      );
    end else begin : gen_one_way
      assign host_back = 1'b0;
      assign host_back3 = 1'b0;
      assign back6_o = {Lanes*StoredWidth{1'b0}};
    end
    if (Batched != 0) begin : gen_sums
      weight_memory #(.Width(Lanes * BatchWidth), .Depth(Words), .AddressWidth(AddressWidth)) u_sums (
        .clk_i(clk_i), .write_i(write_sums9_i || host_store),
        .write_address_i(host_store_i ? host_address_q[AddressWidth-1:0] : address9_i),
        .write_data_i(host_store_i ? {Lanes*BatchWidth{1'b0}} : write_sums_data9_i),
        .read_address_i(address4_i), .read_data_o(sums6_o)
      );
    end else begin : gen_no_sums
      assign sums6_o = {Lanes*BatchWidth{1'b0}};
    end
  endgenerate

endmodule

`default_nettype wire
