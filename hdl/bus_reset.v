// SPDX-License-Identifier: Apache-2.0
// Two resets of one: what the bus shows is gone with the first edge at which rst_ni is low, however short that is; the
// core stays in reset for Hold cycles more, until nothing of an interrupted sample is left in its pipeline, and so does
// the bus, whose channels are not ready until then.
//
// Latency: none for the bus; one cycle for the core, whose reset is a register.

`default_nettype none

module bus_reset #(
  parameter Hold = 16   // 1 to 31
) (
  input  wire clk_i,
  input  wire rst_ni,
  output wire bus_rst_no,
  output wire core_rst_no
);

  reg [4:0] left_q;
  reg rst_q;

  assign bus_rst_no = rst_ni && rst_q;
  assign core_rst_no = rst_q;

  always @(posedge clk_i) begin
    if (!rst_ni) left_q <= Hold[4:0];
    else if (left_q != 5'd0) left_q <= left_q - 5'd1;
    rst_q <= rst_ni && (left_q == 5'd0);
  end

endmodule

`default_nettype wire
